package forward

import "time"

const (
	// mediaCheckInterval is how often it is looked whether media still arrives.
	mediaCheckInterval = time.Second
	// legCheckInterval is how often legs are looked after: layers that fall silent or return, key frames that do not come.
	legCheckInterval = 50 * time.Millisecond
	// mediaGrace is added to the silence allowed, so that it ends 0.5 to 1.5 s after that, as at Janus.
	mediaGrace = 500 * time.Millisecond
)

// checkMedia tells of layers that have fallen silent.
func (s *Stream) checkMedia(now time.Duration) {
	if s.cfg.NoMedia == nil {
		return
	}
	silence := s.cfg.NoMedia()
	if silence == 0 {
		return
	}
	for i := range s.layers {
		y := &s.layers[i]
		if y.stats.Receiving && now-y.stats.LastPacket >= silence+mediaGrace {
			y.stats.Receiving = false
			s.cfg.Observer.Receiving(i, false)
		}
	}
}
