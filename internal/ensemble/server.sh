#!/bin/sh
# Runs ZooKeeper as a child that may be killed and started again.
#
# /ringmaster/up asks for a running server; /ringmaster/pid is the server's
# process. Works in Debian's layout and in that of the official image.
set -u
if [ -e /usr/share/java/zookeeper.jar ]; then
	# zookeeper.jar names only some of netty's parts; with TLS the server needs more.
	netty=$(echo /usr/share/java/netty-*.jar | tr ' ' :)
	classpath=/ringmaster:/usr/share/java/zookeeper.jar:/usr/share/java/slf4j-simple.jar:$netty
	cli=/usr/share/zookeeper/bin/zkCli.sh
else
	home=$(ls -d /apache-zookeeper-*-bin /opt/zookeeper 2>/dev/null | head -n 1)
	classpath=/ringmaster:$home/lib/*:$home/*
	cli=$home/bin/zkCli.sh
fi
java=$(command -v java || echo "${JAVA_HOME:-/opt/java/openjdk}/bin/java")

case ${1:-server} in
version)
	exec "$java" -cp "$classpath" org.apache.zookeeper.version.VersionInfoMain
	;;
cli)
	shift
	exec "$cli" "$@"
	;;
esac

touch /ringmaster/up
while :; do
	if [ -e /ringmaster/up ]; then
		"$java" -Xms64m -Xmx256m -XX:+UseSerialGC -Djute.maxbuffer=1048575 $(cat /ringmaster/java.options) \
			-Dorg.slf4j.simpleLogger.showDateTime=true -Dorg.slf4j.simpleLogger.dateTimeFormat="yyyy-MM-dd'T'HH:mm:ss.SSS" \
			-cp "$classpath" org.apache.zookeeper.server.quorum.QuorumPeerMain /ringmaster/zoo.cfg &
		echo $! >/ringmaster/pid
		wait $!
		rm -f /ringmaster/up /ringmaster/pid # in this order: who sees no process may ask for one
	fi
	sleep 0.1
done
