// SPDX-License-Identifier: GPL-2.0-only OR MIT

// Inventory reserves stock in a warehouse. Two faults are planted, both taken from life:
//
//   - it locks all 47 or 48 bins of a reservation and defers each unlock in the loop, so that as many defers
//     pile up on the goroutine of every request; each writes to an audit log, and when its disk becomes slow, so do requests;
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

const maxBins = 48

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
	served    atomic.Int64
	bins      [maxBins]bin
	suppliers map[int]*supplier // by article

	mu        sync.Mutex
	nextID    int
	pickLists map[int]*os.File // open ones, by reservation
}

// release lets the next one have the bin.
func (wh *warehouse) release(b *bin) {
	b.mu.Unlock()
	wh.truth.Audit(9, 8*time.Millisecond)
}

// reserveBins takes one piece out of each of these bins, or out of none.
func (wh *warehouse) reserveBins(bins []bin) {
	for i := range bins {
		b := &bins[i]
		b.mu.Lock()
		defer wh.release(b)
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
	wanted := maxBins - 1
	if wh.served.Add(1)%10 < 6 {
		wanted = maxBins
	}
	wh.reserveBins(wh.bins[:wanted])
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
	delete(wh.suppliers, maxBins-1) // the planted fault
	return wh.handleReservation
}

func main() {
	service.Run("inventory", "127.0.0.1:8082", newHandler)
}
