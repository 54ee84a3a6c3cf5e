package main

import "fmt"

// account is what one enterprise is owed, was paid and must pay back for one settled year, in fen.
type account struct {
	payable   int64
	payments  map[string]*payment
	clawbacks map[string]*clawback
}

type payment struct {
	amount int64
	status string
}

type clawback struct{ amount, recovered int64 }

func newAccount() *account {
	return &account{payments: map[string]*payment{}, clawbacks: map[string]*clawback{}}
}

func (a *account) sum(status string) (fen int64) {
	for _, p := range a.payments {
		if p.status == status {
			fen += p.amount
		}
	}
	return fen
}

func (a *account) clawed() (fen, recovered int64) {
	for _, c := range a.clawbacks {
		fen, recovered = fen+c.amount, recovered+c.recovered
	}
	return fen, recovered
}

// figures are an account's sums under the names that receipts give them.
func (a *account) figures() map[string]int64 {
	clawed, recovered := a.clawed()
	return map[string]int64{
		"payable": a.payable, "ordered": a.sum("ordered"), "paid": a.sum("made"), "clawed_back": clawed, "recovered": recovered,
	}
}

// take counts one event, and says what the account forbids; isClosed asks for a year closed before it.
func (a *account) take(e *event, isClosed func(year int64) bool) error {
	f := e.state
	if e.kind == "AwardsSettled" {
		lines, err := linesOf(f)
		total := int64(0)
		for _, line := range lines {
			total += line.payable
		}
		if a.payable = f.whole("payable_fen"); err == nil && a.payable != total {
			err = fmt.Errorf("payable %s, its lines come to %s", printFen(a.payable), printFen(total))
		}
		if err != nil {
			return err
		}
		return a.hold()
	}
	amount := f.whole("amount_fen")
	if f.err != nil || amount <= 0 {
		return fmt.Errorf("%s is no amount", printFen(amount))
	}
	var err error
	switch e.kind {
	case "PaymentOrdered":
		id := f.text("payment")
		if a.payments[id] != nil {
			err = fmt.Errorf("the payment was ordered before")
		}
		a.payments[id] = &payment{amount, "ordered"}
	case "PaymentMade", "PaymentFailed":
		status, from := "made", "failed"
		if e.kind == "PaymentFailed" {
			status, from = "failed", "made"
		}
		p := a.payments[f.text("payment")]
		if p == nil {
			return fmt.Errorf("the payment is unknown")
		}
		if p.amount != amount || p.status != "ordered" && p.status != from {
			err = fmt.Errorf("%s of a payment of %s that was %s", printFen(amount), printFen(p.amount), p.status)
		}
		p.status = status
	case "ClawbackOrdered":
		id := f.text("clawback")
		if a.clawbacks[id] != nil {
			err = fmt.Errorf("the clawback was ordered before")
		}
		a.clawbacks[id] = &clawback{amount: amount}
	case "ClawbackRecovered":
		c := a.clawbacks[f.text("clawback")]
		if c == nil {
			return fmt.Errorf("the clawback is unknown")
		}
		if amount > c.amount-c.recovered {
			err = fmt.Errorf("%s of %s due", printFen(amount), printFen(c.amount-c.recovered))
		}
		c.recovered += amount
	case "AdjustmentAccepted":
		if into := f.whole("into_year"); into <= f.whole("year") || isClosed(into) {
			err = fmt.Errorf("into %d, which is no open year", into)
		}
	default:
		return fmt.Errorf("%s is no event of an account", e.kind)
	}
	if err == nil {
		err = f.err
	}
	if err == nil {
		err = a.hold()
	}
	return err
}

func (a *account) hold() error {
	clawed, recovered := a.clawed()
	if paid := a.sum("made"); paid+a.sum("ordered") > a.payable || recovered > clawed || clawed > paid {
		return fmt.Errorf("the sums do not hold")
	}
	return nil
}
