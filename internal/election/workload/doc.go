// Package workload is what the participants of leader election do in a run. Candidates use
// package election; some of them queue. The one that leads writes to the ledger, a znode of the
// application, and acts on the system outside; now and then it proclaims other data. A client
// listens who leads.
package workload
