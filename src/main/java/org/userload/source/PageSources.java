package org.userload.source;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Locale;

/** Opens image files of any kind. Stateless, thread-safe. */
public final class PageSources {
    private PageSources() {}

    /** Opens an image with {@link OpenOptions#DEFAULT}. */
    public static PageSource open(Path path) {
        return open(path, OpenOptions.DEFAULT);
    }

    /**
     * Opens a {@code .uli} or a raw memory image, told apart by content. A file that only begins or only ends as a
     * {@code .uli} image does, or is only named like one, is a damaged {@code .uli} image and never taken for raw.
     *
     * @return the image; the caller closes it
     * @throws PageSourceException if there is no such file, or it is a directory, empty, unreadable, damaged, cut short,
     *     of another version, or not a whole number of pages; the message says which and what to do
     */
    public static PageSource open(Path path, OpenOptions options) {
        return isUli(path)
                ? UliPageSource.open(path, options.cacheBytes())
                : ImageFilePageSource.open(path, options.rawPageSize(), options.extents());
    }

    private static boolean isUli(Path path) {
        try (ImageFile file = ImageFile.open(path)) {
            return path.toString().toLowerCase(Locale.ROOT).endsWith(".uli")
                    || holds(file, 0, UliFormat.MAGIC)
                    || holds(file, file.sizeBytes() - Long.BYTES, UliFormat.END_MAGIC);
        } catch (IOException e) {
            throw ImageFile.cannotOpen(path, e);
        }
    }

    private static boolean holds(ImageFile file, long offset, long magic) throws IOException {
        if (file.sizeBytes() < Long.BYTES) {
            return false;
        }
        ByteBuffer bytes = ByteBuffer.allocate(Long.BYTES).order(UliFormat.BYTE_ORDER);
        file.read(bytes, offset);
        return bytes.getLong(0) == magic;
    }
}
