package checker

import "strings"

// TaskOf is the task that a znode belongs to: one of /tasks/t and below, or
// /assign/w/t. It is empty where the znode belongs to none.
func TaskOf(path string) string {
	names := strings.Split(path, "/")
	switch {
	case len(names) >= 3 && names[1] == "tasks":
		return names[2]
	case len(names) >= 4 && names[1] == "assign":
		return names[3]
	}
	return ""
}
