// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Inventory reserves stock in a warehouse. Two faults are planted, both taken from life:
//
//   - it locks all 47 bins of a reservation and defers each unlock in the loop, so that 47 defers
//     pile up on the goroutine of every request;
//   - it opens a pick list and closes it by hand after the supplier has been told. One article has
//     lost its supplier, so that step panics, a middleware recovers, and the file stays open: the
//     table of open pick lists still refers to it, so that no finalizer closes it either.
package main

import (
	"fmt"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"deferd.example/demo/internal/service"
)

const binCount = 47

type supplier struct {
	name   string
	orders atomic.Int64
}

type bin struct {
	mu       sync.Mutex
	article  int
	reserved int
}

type warehouse struct {
	truth     *service.Truth
	bins      [binCount]bin
	suppliers map[int]*supplier // by article

	mu        sync.Mutex
	nextID    int
	pickLists map[int]*os.File // open ones, by reservation
}

// reserveBins takes one piece out of every bin, or out of none.
func (wh *warehouse) reserveBins() {
	for i := range wh.bins {
		b := &wh.bins[i]
		b.mu.Lock()
		defer b.mu.Unlock()
		wh.truth.Defers.Add(1)
		b.reserved++
	}
	time.Sleep(time.Millisecond) // the warehouse system answers
}

func (wh *warehouse) openPickList() (int, *os.File, error) {
	list, err := os.Open("/proc/self/mountinfo") // any file that is always there
	if err != nil {
		return 0, nil, err
	}
	wh.mu.Lock()
	defer wh.mu.Unlock()
	wh.nextID++
	wh.pickLists[wh.nextID] = list
	return wh.nextID, list, nil
}

func (wh *warehouse) closePickList(id int, list *os.File) {
	list.Close()
	wh.mu.Lock()
	defer wh.mu.Unlock()
	delete(wh.pickLists, id)
}

// reorder tells each article's supplier what has been taken.
func (wh *warehouse) reorder() {
	for i := range wh.bins {
		wh.suppliers[wh.bins[i].article].orders.Add(1)
	}
}

func (wh *warehouse) handleReservation(w http.ResponseWriter, r *http.Request) {
	wh.reserveBins()
	id, list, err := wh.openPickList()
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	wh.truth.Leak() // what follows never gets as far as closePickList
	wh.reorder()
	wh.closePickList(id, list)
	fmt.Fprintf(w, "reservation %d\n", id)
}

func newHandler(truth *service.Truth) http.HandlerFunc {
	wh := &warehouse{
		truth:     truth,
		suppliers: make(map[int]*supplier),
		pickLists: make(map[int]*os.File),
	}
	for i := range wh.bins {
		wh.bins[i].article = i
		wh.suppliers[i] = &supplier{name: fmt.Sprintf("supplier %d", i%5)}
	}
	delete(wh.suppliers, binCount-1) // the planted fault
	return wh.handleReservation
}

func main() {
	service.Run("inventory", "127.0.0.1:8082", newHandler)
}
