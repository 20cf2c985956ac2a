package file

// Frame makes a frame of a state file.
var Frame = frame
