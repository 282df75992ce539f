interface PictureWords {
  title: string;
  /** Words with their colour, under the title. */
  legend: readonly { label: string; colour: string }[];
}
interface PictureColours {
  background: string;
  text: string;
}
const HEAD = 46;
const MARGIN = 12;

/** A plot's canvas with title and legend above it, as a PNG. */
export async function canvasPng(
  canvas: HTMLCanvasElement,
  { title, legend }: PictureWords,
  colours: PictureColours,
): Promise<Blob> {
  const ratio = window.devicePixelRatio || 1;
  const picture = document.createElement('canvas');
  picture.width = canvas.width;
  picture.height = canvas.height + HEAD * ratio;
  const context = picture.getContext('2d');
  if (!context) throw new Error('this browser draws no pictures');
  context.fillStyle = colours.background;
  context.fillRect(0, 0, picture.width, picture.height);
  context.scale(ratio, ratio);
  context.fillStyle = colours.text;
  context.font = '600 14px system-ui, sans-serif';
  context.fillText(title, MARGIN, 18);
  context.font = '12px system-ui, sans-serif';
  let x = MARGIN;
  for (const { label, colour } of legend) {
    context.fillStyle = colour;
    context.fillRect(x, 29, 14, 4);
    context.fillStyle = colours.text;
    context.fillText(label, x + 19, 35);
    x += 35 + context.measureText(label).width;
  }
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.drawImage(canvas, 0, HEAD * ratio);
  return toPng(picture);
}

/** A drawing as a PNG, of twice its width and height. */
export async function svgPng(svg: string): Promise<Blob> {
  const url = URL.createObjectURL(new Blob([svg], { type: 'image/svg+xml' }));
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    const picture = document.createElement('canvas');
    picture.width = 2 * image.naturalWidth;
    picture.height = 2 * image.naturalHeight;
    const context = picture.getContext('2d');
    if (!context) throw new Error('this browser draws no pictures');
    context.drawImage(image, 0, 0, picture.width, picture.height);
    return await toPng(picture);
  } finally {
    URL.revokeObjectURL(url);
  }
}

function toPng(canvas: HTMLCanvasElement): Promise<Blob> {
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => {
      if (blob) resolve(blob);
      else reject(new Error('the picture could not be made'));
    }, 'image/png');
  });
}

/** Of these a drawing's looks are made; a file has no style sheet. */
const STYLES = [
  'fill',
  'stroke',
  'stroke-width',
  'stroke-dasharray',
  'opacity',
  'font-family',
  'font-size',
  'font-weight',
  'text-anchor',
];

/** A drawing of the page as a file of its own. */
export function svgText(svg: SVGSVGElement, background: string): string {
  const copy = svg.cloneNode(true);
  if (!(copy instanceof SVGSVGElement)) throw new Error('the copy of a drawing is none');
  const { width, height } = svg.getBoundingClientRect();
  const originals = [...svg.querySelectorAll('*')];
  copy.querySelectorAll('*').forEach((element, index) => {
    const original = originals[index];
    if (!original) return;
    const style = getComputedStyle(original);
    for (const name of STYLES) element.setAttribute(name, style.getPropertyValue(name));
    element.removeAttribute('class');
  });
  copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  copy.setAttribute('width', String(width));
  copy.setAttribute('height', String(height));
  const sheet = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
  sheet.setAttribute('width', '100%');
  sheet.setAttribute('height', '100%');
  sheet.setAttribute('fill', background);
  copy.prepend(sheet);
  return new XMLSerializer().serializeToString(copy);
}
