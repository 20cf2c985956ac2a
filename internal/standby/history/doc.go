// Package history says what a run of the active-standby switch leaves on record: the events
// that candidates and clients note, and the znodes of the group as judges read them. It shares
// no code with the recipe, and judges nothing.
package history
