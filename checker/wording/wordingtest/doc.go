// Package wordingtest holds the codes of judges against their sentences, in the tests of
// every room that has judges.
package wordingtest
