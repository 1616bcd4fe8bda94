// Package list is a doubly linked list whose links lie in its elements, so that adding
// and removing allocates nothing. Only that may enter.
package list

// Node is an element's place in a list, a field of the element; an element may have
// several, for several lists. Its zero value is in no list.
type Node[T any] struct {
	prev, next *Node[T]
	element    *T // nil: in no list
}

// Linked reports whether the element is in a list.
func (n *Node[T]) Linked() bool { return n.element != nil }

// Next is the element after this one, nil if it is the last.
func (n *Node[T]) Next() *T { return n.next.of() }

// Prev is the element before this one, nil if it is the first.
func (n *Node[T]) Prev() *T { return n.prev.of() }

func (n *Node[T]) of() *T {
	if n == nil {
		return nil
	}
	return n.element
}

// List is a list of elements; its zero value is empty. It must not be copied while it
// is in use.
type List[T any] struct {
	head, tail *Node[T]
	length     int
}

// Len is the number of elements.
func (l *List[T]) Len() int { return l.length }

// First is the first element, nil if there is none.
func (l *List[T]) First() *T { return l.head.of() }

// Last is the last element, nil if there is none.
func (l *List[T]) Last() *T { return l.tail.of() }

// PushBack makes an element the last one. n is its place in this list, and in none yet.
func (l *List[T]) PushBack(n *Node[T], element *T) {
	n.element, n.prev, n.next = element, l.tail, nil
	if l.tail != nil {
		l.tail.next = n
	} else {
		l.head = n
	}
	l.tail = n
	l.length++
}

// PushFront makes an element the first one. n is its place in this list, and in none yet.
func (l *List[T]) PushFront(n *Node[T], element *T) {
	n.element, n.prev, n.next = element, nil, l.head
	if l.head != nil {
		l.head.prev = n
	} else {
		l.tail = n
	}
	l.head = n
	l.length++
}

// InsertAfter puts an element behind another one, whose place is after. n is its place in
// this list, and in none yet.
func (l *List[T]) InsertAfter(n *Node[T], element *T, after *Node[T]) {
	n.element, n.prev, n.next = element, after, after.next
	if after.next != nil {
		after.next.prev = n
	} else {
		l.tail = n
	}
	after.next = n
	l.length++
}

// Remove takes an element out, by its place in this list.
func (l *List[T]) Remove(n *Node[T]) {
	if n.prev != nil {
		n.prev.next = n.next
	} else {
		l.head = n.next
	}
	if n.next != nil {
		n.next.prev = n.prev
	} else {
		l.tail = n.prev
	}
	*n = Node[T]{}
	l.length--
}
