package lock

// IsContender reports whether a znode of that name is a contender.
func IsContender(name string) bool {
	_, ok := readName(name)
	return ok
}

// Ordered are the names of contenders in the order in which they came.
func Ordered(names ...string) (sorted []string) {
	for _, p := range newLine(names).places {
		sorted = append(sorted, p.name)
	}
	return sorted
}
