package jcfg

// VideoRoomKeys are the keys of the general group of janus.plugin.videoroom.jcfg.
var VideoRoomKeys = []Key{
	adminKey,
	{"general.lock_rtp_forward", "roomstate", "lock-rtp-forward", "", yes},
	gone("general.events", allEvents),
	{"general.string_ids", "roomstate", "string-ids", "", yes},
}

// TextRoomKeys are those of janus.plugin.textroom.jcfg.
var TextRoomKeys = []Key{
	adminKey, gone("general.json", compact), gone("general.events", allEvents),
	{"general.string_ids", "roomstate", "text-string-ids", "", yes},
}

// SmallPluginKeys are those of janus.plugin.videocall.jcfg and janus.plugin.echotest.jcfg.
var SmallPluginKeys = []Key{gone("general.events", allEvents)}

var adminKey = Key{
	"general.admin_key", "roomstate", "admin-key-file", inFile + "; it is one key for VideoRoom and TextRoom", file,
}

// RoomKeys are the keys of a VideoRoom that keep their name and meaning, each with its type: b for a boolean, n for a number,
// s for a string.
var RoomKeys = map[string]byte{
	"description": 's', "is_private": 'b', "secret": 's', "pin": 's', "require_pvtid": 'b', "signed_tokens": 'b',
	"publishers": 'n', "bitrate": 'n', "bitrate_cap": 'b', "fir_freq": 'n', "audiocodec": 's', "videocodec": 's',
	"vp9_profile": 's', "h264_profile": 's', "opus_fec": 'b', "opus_dtx": 'b', "audiolevel_ext": 'b', "audiolevel_event": 'b',
	"audio_active_packets": 'n', "audio_level_average": 'n', "videoorient_ext": 'b', "playoutdelay_ext": 'b',
	"transport_wide_cc_ext": 'b', "notify_joining": 'b', "dummy_publisher": 'b', "dummy_e2ee": 'b', "require_e2ee": 'b', "lock_record": 'b', "record": 'b', "rec_dir": 's',
}

// RoomGone are the keys of a room that are not taken, and why.
var RoomGone = map[string]string{
	"dummy_streams": "copy it by hand: it is a list", "threads": "a node has a worker for each core",
	"video_svc": "SVC needs no switch",
}

// TextKeys are those of a TextRoom.
var TextKeys = map[string]byte{
	"description": 's', "is_private": 'b', "secret": 's', "pin": 's', "history": 'n', "post": 's',
}
