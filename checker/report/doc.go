// Package report renders a verdict and its history for readers who did not see the run:
// one HTML file that needs no network, and text for a terminal. It judges nothing, and
// a failure to draw changes no verdict.
//
// The package knows no recipe. A recipe brings its words, and how its own kinds of events
// are drawn, as [Lanes]. Without them operations are bars and notes are dots.
//
// The charts are drawn here rather than by a plotting library, because they share one
// time axis with the lanes of the timeline. So a fault is the same band in every
// picture. Each violation has its own picture (moment.go), zoomed to the steps of its
// story, which package explain writes.
package report
