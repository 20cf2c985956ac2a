// Package history says what a run of the store leaves on record: the events that managers note, and
// the znodes of the store as judges read them. It shares no code with the recipe, and judges nothing.
// The znodes of the group are those of package standby/history.
package history
