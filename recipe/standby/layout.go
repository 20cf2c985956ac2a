package standby

import (
	"strings"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// Layout has the paths of the znodes of one group. Under, YARN and HDFS make one; all candidates of
// the group, and processes that ask for a failover, must have the same.
type Layout struct {
	// Lock is the ephemeral of the active.
	Lock string
	// Breadcrumb is the persistent znode that says whom to fence.
	Breadcrumb string
	// Epoch is the persistent znode whose version is the epoch.
	Epoch string
	// Candidates is the persistent znode below which each candidate has an ephemeral.
	Candidates string
	// Failover is the persistent znode that asks the active to hand over.
	Failover string
}

// The names of Hadoop's two znodes.
const (
	hadoopLock       = "/ActiveStandbyElectorLock"
	hadoopBreadcrumb = "/ActiveBreadCrumb"
)

// Under is the layout of a group below a path of its own, such as /standby/namenode.
func Under(path string) Layout {
	return Layout{Lock: path + "/lock", Breadcrumb: path + "/breadcrumb", Epoch: path, Candidates: path + "/candidates", Failover: path + "/failover"}
}

// YARN has the lock and the breadcrumb where the ResourceManagers of a cluster have them:
// /yarn-leader-election/<cluster>/ActiveStandbyElectorLock and ActiveBreadCrumb. The other znodes are
// beside them. For what such a mixture guarantees, see the package.
func YARN(cluster string) Layout { return hadoop("/yarn-leader-election/" + cluster) }

// HDFS has the lock and the breadcrumb where the failover controllers of the NameNodes have them:
// /hadoop-ha/<nameservice>/ActiveStandbyElectorLock and ActiveBreadCrumb.
func HDFS(nameservice string) Layout { return hadoop("/hadoop-ha/" + nameservice) }

func hadoop(path string) Layout {
	l := Under(path)
	l.Lock, l.Breadcrumb = path+hadoopLock, path+hadoopBreadcrumb
	return l
}

// Below is the same layout with a path in front of every znode.
func (l Layout) Below(namespace string) Layout {
	for _, p := range []*string{&l.Lock, &l.Breadcrumb, &l.Epoch, &l.Candidates, &l.Failover} {
		*p = namespace + *p
	}
	return l
}

// own are the znodes that only the recipe may change, with all below them.
func (l Layout) own() []string {
	return []string{l.Lock, l.Breadcrumb, l.Epoch, l.Candidates, l.Failover}
}

// check returns the first error of a layout.
func (l Layout) check() error {
	if l == (Layout{}) {
		return invalid("Layout is empty: use Under, YARN or HDFS")
	}
	named := []struct{ name, path string }{{"Lock", l.Lock}, {"Breadcrumb", l.Breadcrumb}, {"Epoch", l.Epoch}, {"Candidates", l.Candidates}, {"Failover", l.Failover}}
	for i, a := range named {
		if err := zkapi.CheckPath(a.path); err != nil {
			return invalid("%s %q: %v: write an absolute path such as /standby/namenode", a.name, a.path, err)
		}
		if a.path == "/" || a.path == "/zookeeper" || strings.HasPrefix(a.path, "/zookeeper/") {
			return invalid("%s %q: that znode belongs to ZooKeeper itself: use another path", a.name, a.path)
		}
		for _, b := range named[:i] {
			if a.path == b.path {
				return invalid("%s and %s are both %q: use different znodes", b.name, a.name, a.path)
			}
		}
		if strings.HasPrefix(a.path, l.Lock+"/") || strings.HasPrefix(a.path, l.Candidates+"/") {
			return invalid("%s %q is below the lock or among the candidates: use another path", a.name, a.path)
		}
	}
	return nil
}
