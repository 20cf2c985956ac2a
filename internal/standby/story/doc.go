// Package story tells violations of the active-standby switch. It judges nothing, and it reads the
// record only.
package story
