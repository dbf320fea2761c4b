package videoroom

type existsView struct {
	VideoRoom string `json:"videoroom"`
	Room      ID     `json:"room"`
	Exists    bool   `json:"exists"`
}

func (d *draft) exists() (any, *failure) {
	if f := d.namesRoom(); f != nil {
		return nil, f
	}
	return existsView{"success", d.id, d.attributes != nil}, nil
}
