package main

import (
	"math/big"
	"sort"
)

// How a budget is divided: shares by the largest remainder, and one share from the cut that an event keeps.

type pot struct {
	name         string
	has, sharing int64
	cutRemainder *big.Int
	cutKey       []string
}

// apportion gives each basis its share; equal remainders go by their order.
func apportion(bases []int64, has int64) []int64 {
	shares := append([]int64{}, bases...)
	var total int64
	for _, basis := range bases {
		total += basis
	}
	if total <= has {
		return shares
	}
	left, remainders, order := has, make([]*big.Int, len(bases)), make([]int, len(bases))
	for n, basis := range bases {
		shares[n], remainders[n] = scaled(basis, has, total)
		left -= shares[n]
		order[n] = n
	}
	sort.SliceStable(order, func(i, j int) bool { return remainders[order[i]].Cmp(remainders[order[j]]) > 0 })
	for _, n := range order {
		if left <= 0 {
			break
		}
		shares[n]++
		left--
	}
	return shares
}

func scaled(basis, has, total int64) (int64, *big.Int) {
	product := new(big.Int).Mul(big.NewInt(basis), big.NewInt(has))
	quotient, remainder := new(big.Int).DivMod(product, big.NewInt(total), new(big.Int))
	return quotient.Int64(), remainder
}

// share is one basis's share of a pot, by its cut.
func (p *pot) share(basis int64, key []string) int64 {
	if p.sharing <= p.has {
		return basis
	}
	share, remainder := scaled(basis, p.has, p.sharing)
	order := remainder.Cmp(p.cutRemainder)
	if p.cutRemainder.Sign() >= 0 && (order > 0 || order == 0 && !behind(key, p.cutKey)) {
		share++
	}
	return share
}

func behind(one, other []string) bool {
	for n := 0; n < len(one) && n < len(other); n++ {
		if one[n] != other[n] {
			return one[n] > other[n]
		}
	}
	return len(one) > len(other)
}

// factorOf is what is paid of everything, as a reduced fraction.
func factorOf(pots []pot) string {
	paid, total := new(big.Int), new(big.Int)
	for _, p := range pots {
		paid.Add(paid, big.NewInt(min(p.has, p.sharing)))
		total.Add(total, big.NewInt(p.sharing))
	}
	if total.Sign() == 0 {
		return "1/1"
	}
	return new(big.Rat).SetFrac(paid, total).String()
}
