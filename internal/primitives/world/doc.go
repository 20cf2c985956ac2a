// Package world gives the explorer processes that use one primitive together: a counter, accounts that
// transactions move money between, or a double barrier. The judge holds what packages value, stm and
// barrier promise against every write and every state.
//
// The package must hold no logic of the recipes: the processes run their code, as in production. The
// judge reads znodes from outside, and shares no code with the recipes.
package world
