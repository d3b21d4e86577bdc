package org.userload.source;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A regular file read by position, from any number of threads at the same time.
 *
 * <p>An interrupt closes a {@link FileChannel} for everybody. Here one interrupted thread does not take the file from
 * the others: whoever finds the channel closed opens the file again, makes sure that it is the same file, and repeats
 * the read. The interrupted thread finishes its read too and keeps its interrupt status.
 *
 * <p>The owner closes it, once or more often; reads after that throw.
 */
final class ImageFile implements AutoCloseable {
    private final Path path;
    private final String description;
    private final long sizeBytes;
    private final @Nullable Object fileKey;
    private volatile FileChannel channel;
    private volatile boolean closed;

    private ImageFile(Path path, FileChannel channel, long sizeBytes, @Nullable Object fileKey) {
        this.path = path;
        this.description = describe(path);
        this.channel = channel;
        this.sizeBytes = sizeBytes;
        this.fileKey = fileKey;
    }

    /**
     * Opens a file for reading.
     *
     * @throws PageSourceException if it is missing, not a regular file, empty or not readable; says which
     */
    static ImageFile open(Path path) {
        try {
            BasicFileAttributes attributes = Files.readAttributes(path, BasicFileAttributes.class);
            if (attributes.isDirectory()) {
                throw new PageSourceException(describe(path) + ": is a directory; name the image file inside it");
            }
            if (!attributes.isRegularFile()) {
                throw new PageSourceException(describe(path) + ": is not a regular file; copy its content to one");
            }
            FileChannel channel = FileChannel.open(path, StandardOpenOption.READ);
            try {
                long sizeBytes = channel.size();
                if (sizeBytes == 0) {
                    throw new PageSourceException(
                            describe(path) + ": is empty; an image has at least one page, write it again");
                }
                return new ImageFile(path, channel, sizeBytes, attributes.fileKey());
            } catch (IOException | RuntimeException e) {
                channel.close();
                throw e;
            }
        } catch (IOException e) {
            throw cannotOpen(path, e);
        }
    }

    /** Turns the failure to open a file into an error that says what to do. */
    static PageSourceException cannotOpen(Path path, IOException e) {
        String what;
        if (e instanceof NoSuchFileException) {
            what = "no such file; check the path";
        } else if (e instanceof AccessDeniedException) {
            what = "no permission to read it; try: chmod a+r " + path.toAbsolutePath();
        } else {
            what = "cannot be opened: " + reason(e);
        }
        return new PageSourceException(describe(path) + ": " + what, e);
    }

    /** What an I/O error says, or its type where it says nothing. */
    static String reason(IOException e) {
        return Objects.requireNonNullElse(e.getMessage(), e.getClass().getSimpleName());
    }

    private static String describe(Path path) {
        return "image " + path.toAbsolutePath();
    }

    /** {@code "image /absolute/path"}. */
    String description() {
        return description;
    }

    /** The file's size in bytes when it was opened, at least 1. */
    long sizeBytes() {
        return sizeBytes;
    }

    /**
     * Fills the buffer from its position to its limit with the bytes at {@code offset}. On an error the position is
     * where it was.
     *
     * @throws EOFException if the file ends before
     * @throws IOException if the file cannot be read or is closed
     */
    void read(ByteBuffer dst, long offset) throws IOException {
        int start = dst.position();
        boolean interrupted = false;
        boolean done = false;
        try {
            while (!done) {
                FileChannel current = channel;
                try {
                    readAll(current, dst, offset);
                    done = true;
                } catch (ClosedChannelException e) {
                    interrupted |= Thread.interrupted();
                    dst.position(start);
                    reopen(current);
                }
            }
        } finally {
            if (!done) {
                dst.position(start);
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private void readAll(FileChannel current, ByteBuffer dst, long offset) throws IOException {
        long at = offset;
        while (dst.hasRemaining()) {
            int n = current.read(dst, at);
            if (n < 0) {
                throw new EOFException("the file ends at byte " + current.size() + ", it had " + sizeBytes
                        + " when it was opened; images must not change while they are read");
            }
            at += n;
        }
    }

    private synchronized void reopen(FileChannel dead) throws IOException {
        if (closed) {
            throw new IOException("it is closed");
        }
        if (channel != dead) {
            return;
        }
        FileChannel fresh = FileChannel.open(path, StandardOpenOption.READ);
        try {
            Object key = Files.readAttributes(path, BasicFileAttributes.class).fileKey();
            if (fresh.size() != sizeBytes || !Objects.equals(key, fileKey)) {
                throw new IOException("another file has taken its place");
            }
        } catch (IOException | RuntimeException e) {
            fresh.close();
            throw e;
        }
        channel = fresh;
    }

    @Override
    public synchronized void close() {
        closed = true;
        try {
            channel.close();
        } catch (IOException e) {
            throw new PageSourceException(description() + ": cannot be closed: " + reason(e), e);
        }
    }
}
