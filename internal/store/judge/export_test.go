package judge

import "github.com/ringmaster-zk/ringmaster/record"

// Broken are the bad histories, by their names.
func Broken() map[string]record.Run {
	all := map[string]record.Run{}
	for name := range rejected {
		all[name] = story(name)
	}
	return all
}
