package media

import (
	"log/slog"

	"github.com/cardea-rtc/cardea/services/media/internal/capture"
	"github.com/cardea-rtc/cardea/services/media/internal/recording"
	"github.com/cardea-rtc/cardea/services/media/internal/rtpforward"
	"github.com/cardea-rtc/cardea/services/media/internal/rtpreceive"
)

// beside is where media goes to and comes from but endpoints and nodes.
type beside struct {
	recordings *recording.Folder // nil if nothing is recorded
	captures   *capture.Folder   // nil if nothing is captured
	outlet     *rtpforward.Outlet
	inlet      *rtpreceive.Inlet
}

func openBeside(cfg Config, log *slog.Logger) (b beside, err error) {
	if cfg.RecordDir != "" {
		if b.recordings, err = recording.Open(cfg.RecordDir, cfg.RecordingsTmpExt, log); err != nil {
			return b, err
		}
	}
	if cfg.PcapDir != "" {
		if b.captures, err = capture.OpenFolder(cfg.PcapDir, cfg.PcapMaxBytes); err != nil {
			_ = b.recordings.Close()
			return b, err
		}
	}
	b.outlet = rtpforward.New(cfg.ForwardTo, log)
	b.inlet = rtpreceive.New(rtpreceive.Config{From: cfg.RemoteFrom, Address: cfg.RemoteAddress, Ports: cfg.RemotePorts, Log: log})
	return b, nil
}

// close returns what went wrong with recordings, which are whole then or never will be.
func (b *beside) close() error {
	b.inlet.Close()
	b.outlet.Close()
	b.captures.Close()
	return b.recordings.Close()
}
