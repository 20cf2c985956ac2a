package integration

import (
	"fmt"

	"github.com/ringmaster-zk/ringmaster/internal/jute"
)

// quotaSteps is a sequence about quotas. Q stands for the part of /zookeeper/quota that is
// about the root of the sequence.
func quotaSteps() []rawStep {
	const limits, counts = "/zookeeper_limits", "/zookeeper_stats"
	return []rawStep{
		making("R/a", "22", 0), making("R/a/old", "4444", 0),
		making("Q", "", 0), making("Q/a", "", 0), making("Q/a"+limits, "count=2,bytes=3", 0), making("Q/a"+counts, "count=0,bytes=0", 0),
		getting("Q/a" + counts), // its watch never fires
		making("R/a/b", "333", 0), getting("Q/a" + counts),
		setting("R/a/b", "1"), getting("Q/a" + counts),
		setting("R/a", ""), getting("Q/a" + counts),
		making("R/b", "", 0), getting("Q/a" + counts),
		making("R/a/b/c", "55555", 1), making("R/a/b/d", "1", 1), getting("Q/a" + counts),
		deleting("R/a/b/d"), getting("Q/a" + counts),
		{text: "close the session", do: func(s *rawSide, c *rawClient) { s.endSession(c) }},
		getting("Q/a" + counts),
		setting("Q/a"+counts, "bytes=5;byteHardLimit=7,x=1;count=2"), making("R/a/e", "1", 0), getting("Q/a" + counts),
		setting("Q/a"+counts, "count=1"), making("R/a/f", "1", 0), getting("Q/a" + counts),
		setting("Q/a"+counts, ""), making("R/a/g", "1", 0), getting("Q/a" + counts),
		making("Q/a/b", "", 0), making("Q/a/b"+limits, "", 0), making("R/a/b/h", "1", 0), getting("Q/a" + counts), // the deeper one counts, but nowhere
		making("Q/a/b"+counts, "", 0), getting("Q/a/b" + counts), making("R/a/b/i", "22", 0), getting("Q/a/b" + counts), getting("Q/a" + counts),
		deleting("Q/a/b" + limits), making("R/a/b/j", "22", 0), getting("Q/a/b" + counts), getting("Q/a" + counts),
		deleting("Q/a" + counts), making("R/a/k", "22", 0), making("Q/a"+counts, "", 0), getting("Q/a" + counts),
		making("Q/none", "", 0), making("Q/none"+counts, "1", 0), getting("Q/none" + counts),
	}
}

func making(path, data string, flags int32) rawStep {
	return rawDraw{}.ask(rawRequest{op: rawCreate, text: fmt.Sprintf("create %q data %q flags %d", path, data, flags), body: func(c *rawClient, to *jute.Encoder) {
		c.putPath(to, path)
		to.Buffer([]byte(data))
		encodeACL(to, openToAll)
		to.Int32(flags)
	}})
}

func deleting(path string) rawStep {
	return rawDraw{}.ask(rawRequest{op: rawDelete, text: fmt.Sprintf("delete %q", path), body: func(c *rawClient, to *jute.Encoder) {
		c.putPath(to, path)
		to.Int32(-1)
	}})
}

func setting(path, data string) rawStep {
	return rawDraw{}.ask(rawRequest{op: rawSet, text: fmt.Sprintf("set %q to %q", path, data), body: func(c *rawClient, to *jute.Encoder) {
		c.putPath(to, path)
		to.Buffer([]byte(data))
		to.Int32(-1)
	}})
}

func getting(path string) rawStep {
	return rawDraw{}.ask(rawRequest{op: rawGet, text: fmt.Sprintf("get %q, with a watch", path), body: func(c *rawClient, to *jute.Encoder) {
		c.putPath(to, path)
		to.Bool(true)
	}})
}
