package forward

import "time"

// keyframeInterval is the shortest time between two requests for a key frame of one layer.
const keyframeInterval = time.Second

// While those who receive come one after another from another node, some of them or, after its death, all without a picture, they may
// ask more often.
const (
	hurriedInterval = 250 * time.Millisecond
	hurriedFor      = 3 * time.Second
)

// keyframes decides when a layer is asked for a key frame.
type keyframes struct {
	wanted    bool          // somebody waits for one
	asked     time.Duration // the last time
	askedOnce bool
	hurried   time.Duration // until when requests may come more often
	latest    time.Duration // last seen or asked for; or when the layer began
}

func (k *keyframes) request() { k.wanted = true }

// seen notes that one has come, which answers all who waited.
func (k *keyframes) seen(now time.Duration) {
	k.wanted = false
	k.latest = now
}

// due is true if one is to be asked for now.
func (k *keyframes) due(now, every time.Duration) bool {
	if every > 0 && now-k.latest >= every {
		k.wanted = true
	}
	interval := keyframeInterval
	if now < k.hurried {
		interval = hurriedInterval
	}
	return k.wanted && (!k.askedOnce || now-k.asked >= interval)
}

// sent notes that one has been asked for.
func (k *keyframes) sent(now time.Duration) {
	k.wanted, k.asked, k.askedOnce, k.latest = false, now, true, now
}
