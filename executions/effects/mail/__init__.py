"""Mail by SMTP and IMAP."""
