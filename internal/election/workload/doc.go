// Package workload is what the participants of leader election do in a run. A master that
// leads writes to the ledger, a znode of the application, and acts on the system outside;
// now and then it proclaims other data of /master. A client listens who leads.
package workload
