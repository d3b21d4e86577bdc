package org.userload.report.comparison;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;

/**
 * Apache ECharts as text to be put into a page, from the class path. The variant is the one with lines, bars, points and
 * the SVG renderer only: it needs no {@code eval}, so that a page can forbid it.
 */
final class PlotLibrary {
    /** As in the POM. */
    private static final String RESOURCE = "META-INF/resources/webjars/echarts/5.5.0/echarts.common.min.js";

    private PlotLibrary() {}

    /**
     * The library, its licence header included.
     *
     * @throws IOException if it is not on the class path, or could not stand in a script element
     */
    static String script() throws IOException {
        return scriptSafe(text(PlotLibrary.class.getClassLoader(), RESOURCE), RESOURCE);
    }

    /** What its licences want to be said with every copy. */
    static String notice() throws IOException {
        return own("echarts-notice.txt");
    }

    /** A resource beside this class. */
    static String own(String name) throws IOException {
        return text(
                PlotLibrary.class.getClassLoader(),
                PlotLibrary.class.getPackageName().replace('.', '/') + "/" + name);
    }

    /** A script element ends at the first such tag, wherever it stands. */
    static String scriptSafe(String script, String name) throws IOException {
        String lower = script.toLowerCase(java.util.Locale.ROOT);
        if (lower.contains("</script") || lower.contains("<!--")) {
            throw new IOException(name + " cannot stand in a page: it contains </script or <!--");
        }
        return script;
    }

    private static String text(ClassLoader loader, String name) throws IOException {
        try (InputStream in = loader.getResourceAsStream(name)) {
            if (in == null) {
                throw new IOException("there is no " + name + " on the class path; build again with mvn package");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
