package org.userload.report.comparison;

import java.nio.file.Path;
import org.userload.support.Chromium;

/** Writes pictures of a comparison's page, for documents: {@code PagePictures PAGE OUTPUT-PREFIX}. */
public final class PagePictures {
    private static final int WIDTH = 1280;
    private static final int HEIGHT = 4150;

    private PagePictures() {}

    public static void main(String[] arguments) throws Exception {
        if (arguments.length != 2) {
            System.err.println("usage: PagePictures PAGE OUTPUT-PREFIX");
            System.exit(2);
        }
        Path page = Path.of(arguments[0]);
        Chromium.screenshot(page, Path.of(arguments[1] + "-light.png"), WIDTH, HEIGHT, false);
        Chromium.screenshot(page, Path.of(arguments[1] + "-dark.png"), WIDTH, HEIGHT, true);
    }
}
