"""VGG16 on a CPU by Winograd's minimal filtering: a quarter of the multiplications of a 3x3 convolution."""
