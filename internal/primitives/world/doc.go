// Package world gives the explorer processes that use one primitive together: a counter, accounts that
// transactions move money between, a double barrier, a barrier (the gate), or a lease. The judge holds
// what packages value, stm, barrier and lease promise against every write and every state.
//
// Each process has its own clock, and only a sweep advances it. So one clock may run ahead of another
// without bound: the judge holds the tokens and the fence of a lease, and not that its holders do not
// overlap, which is promised for clocks that run alike. The tests of package lease have that.
//
// The package must hold no logic of the recipes: the processes run their code, as in production. The
// judge reads znodes from outside, and shares no code with the recipes.
package world
