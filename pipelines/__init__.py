"""The pipeline: from files as they arrive to tied-out showback and chargeback."""
