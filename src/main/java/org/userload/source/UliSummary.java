package org.userload.source;

/**
 * What {@link UliWriter} wrote.
 *
 * @param imageBytes size of the memory in the image, in bytes
 * @param fileBytes size of the file, in bytes
 * @param blocks blocks of the image
 * @param zeroBlocks how many of them are all zero and take no room in the file but an index entry
 */
public record UliSummary(long imageBytes, long fileBytes, int blocks, int zeroBlocks) {}
