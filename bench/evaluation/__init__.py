"""From a retriever and labelled queries to measures: one system after the other."""
