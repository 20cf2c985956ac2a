// Package report turns a verdict and its history into pages and lines that a
// stranger can read: one HTML file that needs no network, and text for a
// terminal. It judges nothing, and what it fails to draw changes no verdict.
//
// The charts are drawn here rather than by a plotting library, because all of
// them share one time axis with the lanes of the timeline, so that a fault is the
// same band in every picture. What is violated has a picture of its own (moment.go),
// zoomed to the steps of its story, which package story tells.
package report
