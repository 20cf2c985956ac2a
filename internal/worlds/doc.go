// Package worlds has what the explorer's worlds of several subjects share: guards of the
// protocol that can be taken out, the tree that masters find, the requests that have one
// answer, and a role of the recipe that runs until it is asked to leave.
//
// A guard is taken out at the port: the program goes on as if its code did not have that
// precaution, because its requests are changed on their way. So a test shows what each guard
// prevents.
//
// The package must not know what a subject's world is about.
package worlds
