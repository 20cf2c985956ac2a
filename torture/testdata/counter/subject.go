package main

import "github.com/ringmaster-zk/ringmaster/subject"

// subjectOf is the counter as a subject. The careless one has the planted defect.
func subjectOf(name string, careless bool) subject.Subject {
	return subject.Subject{
		Name: name, Object: "counter", Objects: "increments",
		Explain:  "a number in one znode that many processes raise",
		Workload: workload(careless), Judge: judging(), Worlds: worlds(careless),
	}
}
