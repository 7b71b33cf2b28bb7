// What the scripts may take for granted of a page, for `.ci/check`: the templates make sure that
// what is looked for is there and of which kind it is, so an element that has been found is any.

declare const htmx: {
  ajax(verb: string, path: string, context: object): Promise<void>;
  process(element: Element): void;
};

interface ParentNode {
  querySelector(selectors: string): any;
  querySelectorAll(selectors: string): NodeListOf<any>;
}

interface Document {
  getElementById(id: string): any;
  addEventListener(type: string, listener: (event: any) => void, options?: boolean | AddEventListenerOptions): void;
}

interface Element {
  closest(selectors: string): any;
}

interface HTMLElement {
  addEventListener(type: string, listener: (event: any) => void, options?: boolean | AddEventListenerOptions): void;
}

interface SVGElement {
  addEventListener(type: string, listener: (event: any) => void, options?: boolean | AddEventListenerOptions): void;
}

declare function addEventListener(type: string, listener: (event: any) => void, options?: boolean | AddEventListenerOptions): void;
