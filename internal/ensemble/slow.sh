#!/bin/sh
# Has strace hold every fsync of the thread that writes ZooKeeper's transaction log.
#
#   slow.sh begin SERVER MICROSECONDS
#   slow.sh held      is a thread of the server held? by exit code
#   slow.sh end
cd /ringmaster || exit 1

held() { grep -qs "^TracerPid:.*[1-9]" /proc/"$(cat pid)"/task/*/status; }

# hold attaches to the thread of that name. Each election makes a new one.
hold() {
	while [ -e slow ]; do
		for task in /proc/"$(cat pid)"/task/*; do
			if [ "$(cat "$task/comm")" = "$1" ]; then
				strace -qq -p "${task##*/}" -A -o fsyncs -e signal=none -e trace=fsync,fdatasync -e inject=fsync,fdatasync:delay_enter="$2"
			fi
		done
		sleep 0.1
	done
}

case $1 in
begin)
	if ! command -v strace >/dev/null; then
		echo "the image has no strace" >&2
		exit 1
	fi
	: >fsyncs
	touch slow
	hold "SyncThread:$2" "$3" </dev/null >/dev/null 2>strace.log &
	echo $! >slow.pid
	for _ in $(seq 50); do
		if held; then exit 0; fi
		sleep 0.1
	done
	echo "no thread SyncThread:$2 can be held: $(tail -n 1 strace.log)" >&2
	exit 1
	;;
held)
	held
	;;
end)
	rm -f slow
	while [ -e slow.pid ] && kill -0 "$(cat slow.pid)" 2>/dev/null; do
		pkill -x strace
		sleep 0.05
	done
	rm -f slow.pid fsyncs
	;;
esac
