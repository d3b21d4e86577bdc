package org.userload.source;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.ReadableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.ThreadLocalRandom;
import org.userload.memory.PageSize;
import org.userload.memory.RegionTable;

/**
 * Writes {@code .uli} images. Immutable, thread-safe; one call uses one thread and about 1.5 MiB plus 16 bytes for each
 * 64 KiB of image.
 *
 * <p>The file appears under its name only when it is complete and on disk, in place of an older one if there was one.
 * Until then it is a hidden file beside it ({@code .name.<random>.tmp}), deleted when writing fails. Only the death of
 * the process can leave it behind.
 */
public final class UliWriter {
    /** Level of zstd that writes at about the speed of a disk. */
    public static final int DEFAULT_COMPRESSION_LEVEL = 3;

    private static final int MAX_COMPRESSION_LEVEL = 22;

    private final int compressionLevel;

    /** A writer with {@link #DEFAULT_COMPRESSION_LEVEL}. */
    public UliWriter() {
        this(DEFAULT_COMPRESSION_LEVEL);
    }

    /**
     * A writer.
     *
     * @param compressionLevel zstd's level, 1 (fast) to 22 (small)
     */
    public UliWriter(int compressionLevel) {
        if (compressionLevel < 1 || compressionLevel > MAX_COMPRESSION_LEVEL) {
            throw new IllegalArgumentException("compression level must be 1 to 22, not " + compressionLevel);
        }
        this.compressionLevel = compressionLevel;
    }

    /**
     * Writes all pages of a source.
     *
     * @param source what to write; pages of 4 to 64 KiB; not closed; may be an image under the very name of the target
     * @throws IOException if the file cannot be written; names it
     * @throws PageSourceException if the source cannot be read
     * @throws IllegalArgumentException if the format cannot hold the source's page size or so many regions
     */
    public UliSummary write(Path target, PageSource source) throws IOException {
        RegionTable regions = source.regions();
        int regionCount = regions.entries().size();
        if (regionCount < 1 || regionCount > UliFormat.MAX_REGIONS) {
            throw new IllegalArgumentException(source.description() + ": has " + regionCount
                    + " regions, a .uli image has 1 to " + UliFormat.MAX_REGIONS);
        }
        requirePageSize(regions.pageSize());
        return write(target, new SourceInput(source));
    }

    /**
     * Writes a raw image that arrives through a channel: one region from guest address 0.
     *
     * @param rawImage a blocking channel, read to its end; not closed
     * @param pageSize size of its pages, 4 to 64 KiB
     * @throws IOException if the channel cannot be read or the file cannot be written; names the file
     * @throws PageSourceException if the channel has no bytes or not a whole number of pages
     * @throws IllegalArgumentException if the format cannot hold the page size
     */
    public UliSummary write(Path target, ReadableByteChannel rawImage, PageSize pageSize) throws IOException {
        requirePageSize(pageSize);
        return write(target, new ChannelInput(rawImage, pageSize));
    }

    private static void requirePageSize(PageSize pageSize) {
        int bytes = pageSize.bytes();
        if (bytes < UliFormat.MIN_PAGE_BYTES || bytes > UliFormat.MAX_PAGE_BYTES) {
            throw new IllegalArgumentException("pages of a .uli image have " + UliFormat.MIN_PAGE_BYTES + " to "
                    + UliFormat.MAX_PAGE_BYTES + " bytes, not " + bytes);
        }
    }

    private UliSummary write(Path target, ImageInput input) throws IOException {
        Path absolute = target.toAbsolutePath();
        if (Files.exists(absolute) && !Files.isRegularFile(absolute)) {
            throw new IOException("cannot write image " + absolute + ": it exists and is not a regular file");
        }
        Path directory = absolute.getParent();
        if (directory == null || !Files.isDirectory(directory)) {
            throw new IOException("cannot write image " + absolute + ": there is no directory " + directory);
        }
        Path unfinished = directory.resolve("." + absolute.getFileName() + "."
                + Long.toHexString(ThreadLocalRandom.current().nextLong()) + ".tmp");
        try {
            UliSummary summary = writeFile(unfinished, input);
            Files.move(unfinished, absolute, StandardCopyOption.ATOMIC_MOVE);
            syncDirectory(directory);
            return summary;
        } catch (IOException e) {
            throw new IOException("cannot write image " + absolute + ": " + ImageFile.reason(e), e);
        } finally {
            Files.deleteIfExists(unfinished);
        }
    }

    private UliSummary writeFile(Path file, ImageInput input) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW);
                UliEncoder encoder = new UliEncoder(channel, input, compressionLevel)) {
            UliSummary summary = encoder.encode();
            channel.force(true);
            return summary;
        }
    }

    /** Makes the new name last through a power cut. */
    private static void syncDirectory(Path directory) throws IOException {
        try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }
}
