"""The only place where `import torch` stands; reached by an import inside a function."""
