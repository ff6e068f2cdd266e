//! Screenshots compared with kept ones, as a person compares them: by what stands where and how dark it is, not by pixels.
//!
//! A screenshot is reduced to cells, the mean colour of 8 × 8 pixels each. Another version of a font, another number in a port
//! moves a few cells a little; a button that is gone, a text that overflows or a theme that does not hold moves many a lot.
//! What is kept is the reduced picture, a PNG of some kilobytes. `UPDATE_PICTURES=1` writes them anew: look at them then.

use crate::programs;
use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};

/// Pixels a cell is wide and high.
const CELL: usize = 8;
/// A cell differs when one of its colours does by more than this, of 255.
const APART: u8 = 40;
/// So many cells of a thousand may differ.
const MAY_DIFFER: usize = 25;

/// A picture in RGB.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    width: usize,
    height: usize,
    /// Red, green and blue of each pixel, row by row.
    rgb: Vec<u8>,
}

impl Picture {
    /// Reads a PNG of 8 bits a colour.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().context("no PNG")?;
        let mut buffer = vec![0; reader.output_buffer_size().context("too large")?];
        let info = reader.next_frame(&mut buffer)?;
        let samples = info.color_type.samples();
        ensure!(info.bit_depth == png::BitDepth::Eight && samples >= 3, "expected RGB of 8 bits");
        let rgb = buffer[..info.buffer_size()].chunks_exact(samples).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]);
        Ok(Self { width: info.width as usize, height: info.height as usize, rgb: rgb.collect() })
    }

    /// As a PNG.
    pub fn write(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, u32::try_from(self.width)?, u32::try_from(self.height)?);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::High);
        encoder.write_header()?.write_image_data(&self.rgb)?;
        Ok(bytes)
    }

    /// The mean colours of its cells.
    #[must_use]
    pub fn reduced(&self) -> Self {
        let (width, height) = (self.width / CELL, self.height / CELL);
        let mut rgb = Vec::with_capacity(width * height * 3);
        for row in 0..height {
            for column in 0..width {
                for colour in 0..3 {
                    let sum: usize = (0..CELL * CELL)
                        .map(|at| {
                            let (x, y) = (column * CELL + at % CELL, row * CELL + at / CELL);
                            usize::from(self.rgb[(y * self.width + x) * 3 + colour])
                        })
                        .sum();
                    rgb.push(u8::try_from(sum / (CELL * CELL)).unwrap_or(u8::MAX));
                }
            }
        }
        Self { width, height, rgb }
    }

    /// How many of a thousand cells differ visibly; all of them where the sizes do.
    pub fn differs(&self, other: &Self) -> usize {
        if (self.width, self.height) != (other.width, other.height) {
            return 1000;
        }
        let cells = self.rgb.chunks_exact(3).zip(other.rgb.chunks_exact(3));
        let apart = cells.filter(|(a, b)| a.iter().zip(*b).any(|(a, b)| a.abs_diff(*b) > APART)).count();
        apart * 1000 / (self.width * self.height).max(1)
    }
}

/// Compares a screenshot with the kept picture of that name, or keeps it where `UPDATE_PICTURES` is set. What differs is left
/// among the artifacts, whole.
pub fn compare(name: &str, screenshot: &[u8]) -> Result<()> {
    let kept = kept(name);
    let now = Picture::read(screenshot)?.reduced();
    if std::env::var_os("UPDATE_PICTURES").is_some() {
        std::fs::create_dir_all(kept.parent().unwrap_or(Path::new(".")))?;
        return Ok(std::fs::write(&kept, now.write()?)?);
    }
    let bytes = std::fs::read(&kept).with_context(|| {
        format!("no kept picture {}: look at the screenshot, then run with UPDATE_PICTURES=1", kept.display())
    })?;
    let differs = now.differs(&Picture::read(&bytes)?);
    if differs > MAY_DIFFER {
        let artifact = programs::checkout().join(format!("tests/artifacts/{name}-differs.png"));
        std::fs::create_dir_all(artifact.parent().unwrap_or(Path::new(".")))?;
        std::fs::write(&artifact, screenshot)?;
        anyhow::bail!(
            "{name}: {differs} of 1000 cells differ, {MAY_DIFFER} may; see {} beside {}",
            artifact.display(),
            kept.display()
        );
    }
    Ok(())
}

fn kept(name: &str) -> PathBuf {
    programs::checkout().join(format!("tests/pictures/{name}.png"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text_at: usize, dark: bool) -> Picture {
        let (width, height) = (320, 160);
        let (paper, ink) = if dark { (20, 230) } else { (245, 20) };
        let rgb = (0..width * height)
            .flat_map(|at| {
                let (x, y) = (at % width, at / width);
                // Lines of thin strokes, as text is.
                let text = y % 24 < 10 && x > text_at && x < 200 && (x - text_at) % 6 == 0;
                [if text { ink } else { paper }; 3]
            })
            .collect();
        Picture { width, height, rgb }
    }

    #[test]
    fn a_picture_survives_being_kept() {
        let picture = page(10, false).reduced();
        assert_eq!(Picture::read(&picture.write().unwrap()).unwrap(), picture);
    }

    #[test]
    fn small_moves_of_text_are_no_difference_and_another_page_is() {
        let before = page(10, false).reduced();
        assert!(before.differs(&page(12, false).reduced()) <= MAY_DIFFER);
        assert!(before.differs(&page(10, true).reduced()) > 900);
        let mut without = page(10, false);
        without.rgb.chunks_exact_mut(3).take(320 * 80).for_each(|pixel| pixel.fill(120));
        assert!(before.differs(&without.reduced()) > 300);
        assert_eq!(before.differs(&Picture { width: 1, height: 1, rgb: vec![0; 3] }), 1000);
    }
}
