package cli

import (
	"strings"

	"github.com/ringmaster-zk/ringmaster/zkapi"
)

// pathOf is the znode of a lock, a queue, a counter or a barrier, below the namespace. A name is one
// word, whose znode is below root, or begins with / and is the path.
func (o *Options) pathOf(what, root, name string) (string, error) {
	path := name
	if !strings.HasPrefix(name, "/") {
		path = root + "/" + name
	}
	err := zkapi.CheckPath(path)
	switch {
	case name == "" || path != name && strings.Contains(name, "/"):
		return "", misuse("%q is not the name of a %s: give one word such as mail, or a path such as %s/mail", name, what, root)
	case err != nil:
		return "", misuse("%q is not the name of a %s: %w: give one word such as mail, or a path such as %s/mail", name, what, err, root)
	}
	return o.Namespace + path, nil
}
