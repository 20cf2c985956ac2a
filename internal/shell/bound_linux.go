package shell

import "syscall"

// bind lets the system kill a command when the thread that has started it ends, as it does when
// this process is killed.
func bind(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }
