"""Networks with Keras: building, fitting, predicting, measuring, comparing."""
