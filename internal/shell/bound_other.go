//go:build !linux

package shell

import "syscall"

// bind does nothing: the system does not tell when the parent of a process ends.
func bind(*syscall.SysProcAttr) {}
