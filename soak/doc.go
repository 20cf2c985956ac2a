// Package soak does run after run, each with a seed of its own, counts what came of
// them, and keeps what failed. It knows neither how a run is done nor how it is
// judged: somebody else does both and tells of an [Outcome].
package soak
