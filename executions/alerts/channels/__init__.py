"""The types of channels: each module ends with its declaration, `CHANNEL_TYPE`."""
