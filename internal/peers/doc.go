// Package peers runs task queues that people use instead of Ringmaster, for a benchmark. It
// starts their servers on free local ports, with data in a folder of its own, runs the
// programs of the folder peers/ of the repository, and reads the figures that those print.
// It must not know the recipe, nor what a figure is compared with.
package peers
