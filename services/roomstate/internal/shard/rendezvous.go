package shard

import (
	"hash/fnv"
	"strconv"
)

// wanted returns the shards, of all, that a replica should hold among those alive: those for which it has the
// highest weight.
func wanted(me string, alive []string, shards int) []int {
	var mine []int
	for n := range shards {
		best, most := "", uint64(0)
		for _, replica := range alive {
			w := weight(replica, n)
			if best == "" || w > most || w == most && replica > best {
				best, most = replica, w
			}
		}
		if best == me {
			mine = append(mine, n)
		}
	}
	return mine
}

func weight(replica string, shard int) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(replica + " " + strconv.Itoa(shard)))
	// FNV's high bits depend little on the last bytes: mix them (the finaliser of SplitMix64).
	x := h.Sum64()
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
