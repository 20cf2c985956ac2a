package zk

import (
	"iter"
	"slices"
	"strings"
)

// children is the children of one znode, by name. It never changes: with and without return
// another one, which shares most of its memory with this one. It is cut into pieces, so that
// a change copies one piece and the list of pieces: of 100,000 children that is about a
// thousand words instead of 100,000.
type children struct{ pieces [][]*znode }

// pieceMost is the greatest number of children in one piece; a piece that would have more is
// cut in two.
const pieceMost = 512

// place is the piece in which a name is or belongs, and where in that piece.
func (c children) place(name string) (piece, at int, found bool) {
	byName := func(n *znode, name string) int { return strings.Compare(n.name, name) }
	piece, _ = slices.BinarySearchFunc(c.pieces, name, func(p []*znode, name string) int { return byName(p[len(p)-1], name) })
	if piece == len(c.pieces) && piece > 0 {
		piece-- // after all others
	}
	if piece < len(c.pieces) {
		at, found = slices.BinarySearchFunc(c.pieces[piece], name, byName)
	}
	return piece, at, found
}

// find returns the child of that name, or nil.
func (c children) find(name string) *znode {
	if piece, at, found := c.place(name); found {
		return c.pieces[piece][at]
	}
	return nil
}

// with has that child, in the place of one of the same name if there is one.
func (c children) with(n *znode) children {
	if len(c.pieces) == 0 {
		return children{[][]*znode{{n}}}
	}
	i, at, found := c.place(n.name)
	piece := slices.Clone(c.pieces[i])
	if found {
		piece[at] = n
	} else {
		piece = slices.Insert(piece, at, n)
	}
	pieces := slices.Clone(c.pieces)
	pieces[i] = piece
	if len(piece) > pieceMost {
		// In two pieces that share no capacity, so that neither can be written by the other.
		half := len(piece) / 2
		pieces[i] = piece[:half:half]
		pieces = slices.Insert(pieces, i+1, piece[half:])
	}
	return children{pieces}
}

// without has all but the child of that name, which must be there.
func (c children) without(name string) children {
	i, at, _ := c.place(name)
	pieces := slices.Clone(c.pieces)
	if len(pieces[i]) == 1 {
		return children{slices.Delete(pieces, i, i+1)}
	}
	pieces[i] = slices.Delete(slices.Clone(pieces[i]), at, at+1)
	return children{pieces}
}

// all goes through the children by name.
func (c children) all() iter.Seq[*znode] {
	return func(yield func(*znode) bool) {
		for _, piece := range c.pieces {
			for _, n := range piece {
				if !yield(n) {
					return
				}
			}
		}
	}
}

// names lists the names of the children.
func (c children) names() []string {
	var names []string
	for n := range c.all() {
		names = append(names, n.name)
	}
	return names
}
