package packet

import "time"

// ntpEpoch is how long before the Unix epoch NTP's began: 70 years, 17 of them leap years.
const ntpEpoch = 2_208_988_800 * time.Second

// NTP returns a time on the node's clock as an NTP timestamp: seconds since 1900 in 32.32 fixed point.
func NTP(t time.Duration) uint64 {
	t += ntpEpoch
	return uint64(t/time.Second)<<32 | uint64(t%time.Second)<<32/uint64(time.Second)
}

// FromNTP is the opposite of NTP, to within a nanosecond.
func FromNTP(ntp uint64) time.Duration {
	return time.Duration(ntp>>32)*time.Second + time.Duration((ntp&0xffffffff)*uint64(time.Second)>>32) - ntpEpoch
}

// FixedPoint returns a time in seconds, in 32.32 fixed point.
func FixedPoint(d time.Duration) int64 {
	whole, rest := int64(d/time.Second), int64(d%time.Second)
	return whole<<32 + rest<<32/int64(time.Second)
}

// AbsSendTime returns a time as the header extension of that name has it: seconds modulo 64 in 6.18 fixed point.
func AbsSendTime(t time.Duration) uint32 {
	return uint32(NTP(t)>>14) & 0xffffff
}
