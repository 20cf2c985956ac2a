#!/bin/sh
# Gives commands to zkCli.sh at the servers of ZK_SERVERS, and prints what it answers, then
# the events of its watches. Times, zxids and addresses are left out, because they differ.
set -eu
commands() {
	cat <<'END'
create /cli "12"
create -s /cli/s- x
create -e /cli/e
create -c /cli/c
create -t 60000 /cli/ttl t
ls /cli
ls -R /cli
stat -w /cli
get -s /cli
set -v 7 /cli 3
set -v 0 /cli 3
get -w /cli
ls -w /cli
create /cli/more
delete /cli/more
set -s /cli 4
delete /cli
delete /none
create /cli
create /none/x
create /cli/e/x
create /cli/
create cli
create /cli//x
getAcl /cli
addauth digest user:secret
setAcl -s /cli auth::cdrwa
getAcl /cli
setAcl /cli no:one:r
getAllChildrenNumber /cli
getEphemerals /cli
addWatch -m PERSISTENT_RECURSIVE /cli
create /cli/w/x
create /cli/w
set /cli/w 5
delete /cli/w
removewatches /cli
removewatches /cli
whoami
sync /cli
setquota -n 5 /none
listquota /none
setquota -n 100 /cli
create /cli/q 123
listquota /cli
delquota /cli
listquota /cli
reconfig -remove 1
deleteall /cli
stat /cli
quit
END
}
commands | "$ZKCLI" -server "$ZK_SERVERS" 2>&1 | awk '
	/^(SLF4J|Connecting|Welcome|JLine|WATCHER|WatchedEvent state:Closed|[cmp]Zxid|[cm]time|ip:|$)/ { next }
	/^WatchedEvent/ { sub(" zxid:.*", ""); events = events $0 "\n"; next }
	{ print }
	END { printf "# events\n%s", events }
'
